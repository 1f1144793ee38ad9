// the script's parts for a network of units and edges; each stands in page.js where it is named
//: lives
// where a quantity lives in the drawing: an edge, a unit, a layer's units for a shared bias
const lives=q=>{let m,b=base(q),out=+all('.u').pop().id.slice(1).split('-')[0];
if(m=b.match(/^[dvm]?W(?:_new|_hat)?-(\d+-\d+-\d+)$/))return[$('e'+m[1])];
if(m=b.match(/^x-(\d+)$/))return[$('u0-'+m[1])];
if(m=b.match(/^[tE]-(\d+)$/))return[$('u'+out+'-'+m[1])];
if(b=='E')return all('[id^=u'+out+'-]');
if(m=b.match(/^[a-z]+(?:_new|_hat)?-(\d+)-(\d+)/i))return[$('u'+m[1]+'-'+m[2])];
if(m=b.match(/^[a-z]+(?:_new|_hat)?-(\d+)$/))return all('[id^=u'+m[1]+'-]');
return[]};
//: names
const greek={theta:'θ',eta:'η',mu:'μ',epsilon:'ε',beta1:'β₁',beta2:'β₂'};
const name=q=>{if(greek[q])return greek[q];const p=base(q).split('-'),h=p.shift().split('_');let l=/^(x|t|E|eta|mu|beta1|beta2|epsilon)$/.test(h[0])?'':p.shift()||'';
return h[0]+l+(h[1]?'_'+h[1]:'')+(p.length?'['+p.join(',')+']':'')};
const ml=(n,...c)=>{const e=D.createElementNS('http://www.w3.org/1998/Math/MathML',n);e.append(...c);return e};
// a name as mathematics: as its own step writes it, of a given one from its plain text such as w_23^(1)
const math=q=>{const v=$(q),m=v&&v.querySelector('mtd');if(m)return ml('math',...[...m.childNodes].map(c=>c.cloneNode(true)));
const g=/^[Wx]-/.test(q)?lives(q)[0]:D.querySelector(`svg [data-q="${base(q)}"]`),p=(g&&g.dataset.n||name(q)).split(/([_^])/),s={};
if(!g||!g.dataset.n)return D.createTextNode(name(q));for(let i=1;i<p.length;i+=2)s[p[i]]=p[i+1];
const t=c=>ml('mn',s[c]),b=ml('mi',greek[p[0]]||p[0]);return ml('math',s._&&s['^']?ml('msubsup',b,t('_'),t('^')):s._?ml('msub',b,t('_')):s['^']?ml('msup',b,t('^')):b)};
//: paths
const paths=(l,j)=>{const r=[],walk=(l,p)=>{const e=all('[id^=e'+(l+1)+'-]').filter(e=>e.id.endsWith('-'+p[0]));
if(!e.length)r.push(p);else if(r.length<9)for(const x of e)walk(l+1,[x.id.split('-')[1],...p])};walk(+l,[j]);return r};
//: way back
const m=base(li.id).match(/^dW-(\d+)-(\d+)-(\d+)$/);if(!m)return;
const r=paths(m[1],m[2]),p=D.createElement('p');p.className='links';
p.append(r.length>1?box.paths:box.path,': ');
r.slice(0,8).forEach((u,i)=>{p.append(i?'; E':'E');u.forEach((j,n)=>p.append(' → ',math(at('z-'+(+m[1]+u.length-1-n)+'-'+j).id)));p.append(' → ',math('W-'+m.slice(1).join('-')))});
if(r.length>8)p.append('; …');li.append(p)};
//: way
const m=base(li.id).match(/^dW-(\d+)-(\d+)/);
if(m){let js=[m[2]];for(let l=+m[1]+1;js.length;l++){const n=new Set;for(const j of js)all('[id^=e'+l+'-]').forEach(e=>{if(e.id.endsWith('-'+j)){e.classList.add('path');n.add(e.id.split('-')[1])}});js=[...n]}}
//: scroll
const c=D.querySelector('.now circle,.now path');if(c)fig.scrollLeft=(c.getBBox().x+c.getBBox().width/2)*svg.clientWidth/wide-fig.clientWidth/2;
//: now
const g=lives(li.id)[0],w=g&&g.id.slice(1),now=$('now'),put=(q,v)=>{const s=D.createElement('span');s.append(math(q),' = '+v);now.append(s,' \u2002 ')},say=q=>{const s=at(q),n=s?L.indexOf(s):-1;if(n>=0&&n<=k)put(s.id,s.dataset.v)};now.textContent='';
if(g&&g.id[0]=='e'){const q='W-'+w;put(q,given[q]||g.dataset.v);['dW-','W_new-'].forEach(p=>say(p+w))}else if(g&&base(li.id)!='E')['a-','z-','delta-'].forEach(p=>say(p+w));
//: click
all('.e,.u,.w').forEach(g=>g.onclick=()=>{const id=g.dataset.e||g.id,own=L.map((li,i)=>i).filter(i=>lives(L[i].id).some(e=>e&&e.id==id));
if(own.length)go(own.find(i=>i>k)??own[0])});
//: fit
D.querySelector('nav').hidden=false;svg.style.minWidth=Math.min(wide*.72,1400)+'px';if(fig.scrollWidth>fig.clientWidth)fig.tabIndex=0;
