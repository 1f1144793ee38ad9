'use strict';(()=>{
const D=document,$=i=>D.getElementById(i),all=s=>[...D.querySelectorAll(s)];
const all_steps=all('#steps li'),pick=$('pick'),slide=$('slide'),box=$('steps').dataset;
const fig=$('fig'),svg=fig.firstElementChild,wide=svg.viewBox.baseVal.width;
let part=pick?pick.value:'',suf='',L=[],k=0,given={};
const base=q=>q.replace(/-[su]\d+/g,'');
const at=q=>$(q+suf)||$(q);
// where a quantity lives in the drawing: an edge, a unit, a layer's units for a shared bias
const lives=q=>{let m,b=base(q),out=+all('.u').pop().id.slice(1).split('-')[0];
if(m=b.match(/^[dvm]?W(?:_new|_hat)?-(\d+-\d+-\d+)$/))return[$('e'+m[1])];
if(m=b.match(/^x-(\d+)$/))return[$('u0-'+m[1])];
if(m=b.match(/^[tE]-(\d+)$/))return[$('u'+out+'-'+m[1])];
if(b=='E')return all('[id^=u'+out+'-]');
if(m=b.match(/^[a-z]+(?:_new|_hat)?-(\d+)-(\d+)/i))return[$('u'+m[1]+'-'+m[2])];
if(m=b.match(/^[a-z]+(?:_new|_hat)?-(\d+)$/))return all('[id^=u'+m[1]+'-]');
return[]};
const reads=li=>li.dataset.r?li.dataset.r.split(' '):[];
const greek={eta:'η',mu:'μ',epsilon:'ε',beta1:'β₁',beta2:'β₂'};
const name=q=>{if(greek[q])return greek[q];const p=base(q).split('-'),h=p.shift().split('_');let l=/^(x|t|E|eta|mu|beta1|beta2|epsilon)$/.test(h[0])?'':p.shift()||'';
return h[0]+l+(h[1]?'_'+h[1]:'')+(p.length?'['+p.join(',')+']':'')};
const ml=(n,...c)=>{const e=D.createElementNS('http://www.w3.org/1998/Math/MathML',n);e.append(...c);return e};
// a name as mathematics: as its own step writes it, of a given one from its plain text such as w_23^(1)
const math=q=>{const v=$(q),m=v&&v.querySelector('mtd');if(m)return ml('math',...[...m.childNodes].map(c=>c.cloneNode(true)));
const g=/^[Wx]-/.test(q)?lives(q)[0]:D.querySelector(`svg [data-q="${base(q)}"]`),p=(g&&g.dataset.n||name(q)).split(/([_^])/),s={};
if(!g||!g.dataset.n)return D.createTextNode(name(q));for(let i=1;i<p.length;i+=2)s[p[i]]=p[i+1];
const t=c=>ml('mn',s[c]),b=ml('mi',p[0]);return ml('math',s._&&s['^']?ml('msubsup',b,t('_'),t('^')):s._?ml('msub',b,t('_')):s['^']?ml('msup',b,t('^')):b)};
const links=(li,title,qs)=>{if(!qs.length)return;const p=D.createElement('p');p.className='links';p.append(title+': ');
for(const q of qs.slice(0,24)){const v=$(q),e=D.createElement(v?'a':'span');e.append(math(q));if(v){e.href='#'+q;e.title=name(q)}if(v&&v.dataset.s&&!li.dataset.s)e.append(' ('+v.dataset.s+')');p.append(e,' ')}
if(qs.length>24)p.append('…');li.append(p)};
const paths=(l,j)=>{const r=[],walk=(l,p)=>{const e=all('[id^=e'+(l+1)+'-]').filter(e=>e.id.endsWith('-'+p[0]));
if(!e.length)r.push(p);else if(r.length<9)for(const x of e)walk(l+1,[x.id.split('-')[1],...p])};walk(+l,[j]);return r};
const dress=li=>{if(li.dataset.done)return;li.dataset.done=1;
links(li,box.of,reads(li));links(li,box.by,all_steps.filter(o=>reads(o).includes(li.id)&&(!o.dataset.s||!li.dataset.s||o.dataset.s==li.dataset.s)).map(o=>o.id));
const m=base(li.id).match(/^dW-(\d+)-(\d+)-(\d+)$/);if(!m)return;
const r=paths(m[1],m[2]),p=D.createElement('p');p.className='links';
p.append(r.length>1?box.paths:box.path,': ');
r.slice(0,8).forEach((u,i)=>{p.append(i?'; E':'E');u.forEach((j,n)=>p.append(' → ',math(at('z-'+(+m[1]+u.length-1-n)+'-'+j).id)));p.append(' → ',math('W-'+m.slice(1).join('-')))});
if(r.length>8)p.append('; …');li.append(p)};
const light=(q,c)=>lives(q).forEach(e=>e&&e.classList.add(...c));
const show=(i,how)=>{k=Math.max(0,Math.min(L.length-1,i));const li=L[k];
all('.cur,.has,.on,.now,.path,.hot').forEach(e=>e.classList.remove('cur','has','on','now','path','hot'));
dress(li);li.classList.add('cur');const sec=li.closest('section');sec.classList.add('has');
reads(li).forEach(q=>light(q,['on']));light(li.id,['on','now']);
const m=base(li.id).match(/^dW-(\d+)-(\d+)/);
if(m){let js=[m[2]];for(let l=+m[1]+1;js.length;l++){const n=new Set;for(const j of js)all('[id^=e'+l+'-]').forEach(e=>{if(e.id.endsWith('-'+j)){e.classList.add('path');n.add(e.id.split('-')[1])}});js=[...n]}}
const hot=new Set([li.id,...reads(li)].map(base));
all('svg [data-q]').forEach(t=>{const s=at(t.dataset.q),n=s?L.indexOf(s):-1;t.classList.toggle('later',n>k);t.classList.toggle('hot',hot.has(t.dataset.q))});
all('#stages button').forEach(b=>b.toggleAttribute('aria-current',sec.classList.contains(b.dataset.go)));
slide.max=L.length-1;slide.value=k;slide.setAttribute('aria-valuetext',sec.querySelector('h2').textContent+', '+li.querySelector('h3').textContent);
$('count').textContent=k+1+' / '+L.length;
const c=D.querySelector('.now circle,.now path');if(c)fig.scrollLeft=(c.getBBox().x+c.getBBox().width/2)*svg.clientWidth/wide-fig.clientWidth/2;
const f=li.querySelector('.m');if(f.scrollWidth>f.clientWidth)f.tabIndex=0;
const g=lives(li.id)[0],w=g&&g.id.slice(1),now=$('now'),say=q=>{const s=at(q),n=s?L.indexOf(s):-1;if(n>=0&&n<=k)now.append(math(s.id),' = '+s.dataset.v+' \u2002 ')};now.textContent='';
if(g&&g.id[0]=='e'){const q='W-'+w;now.append(math(q),' = '+(given[q]||g.dataset.v)+' \u2002 ');['dW-','W_new-'].forEach(p=>say(p+w))}else if(g&&base(li.id)!='E')['a-','z-','delta-'].forEach(p=>say(p+w));
if(how)history[how+'State'](null,'','#'+li.id)};
const choose=p=>{part=p;if(pick){pick.value=p;const o=pick.selectedOptions[0];suf=o.dataset.x;given=Object.fromEntries(o.dataset.g.split(' ').map(s=>s.split('=')));
all('svg [data-q]').forEach(t=>{const s=at(t.dataset.q),v=s?s.dataset.v:given[t.dataset.q];if(v)t.textContent=(t.dataset.p||'')+v})}
L=all_steps.filter(li=>!li.dataset.s||li.dataset.s==part)};
const open=()=>{const li=$(decodeURIComponent(location.hash.slice(1)));if(!all_steps.includes(li))return show(0);
if(li.dataset.s&&li.dataset.s!=part)choose(li.dataset.s);show(L.indexOf(li))};
const go=(i,e)=>show(i,e&&e.repeat?'replace':'push');
$('prev').onclick=()=>go(k-1);$('next').onclick=()=>go(k+1);slide.oninput=()=>show(+slide.value,'replace');
all('#stages button').forEach(b=>b.onclick=()=>go(L.findIndex(li=>li.closest('section').classList.contains(b.dataset.go))));
if(pick)pick.onchange=()=>{const q=base(L[k].id);choose(pick.value);go(Math.max(0,L.indexOf(at(q))))};
addEventListener('keydown',e=>{const n={ArrowRight:k+1,ArrowLeft:k-1,ArrowDown:k+1,ArrowUp:k-1,Home:0,End:L.length-1}[e.key];
if(n===undefined||e.altKey||e.ctrlKey||e.metaKey||e.target.id=='pick'||/t$/.test(e.key)&&e.target.matches('.m,#fig'))return;e.preventDefault();go(n,e)});
const bad=i=>L[i]&&/wrong|open/.test(L[i].dataset.m),wrong=$('wrong');
if(wrong)wrong.onclick=()=>{for(let n=1;n<=L.length;n++)if(bad((k+n)%L.length))return go((k+n)%L.length)};
all('[data-m=wrong]').forEach(li=>light(li.id,['bad']));
addEventListener('popstate',open);
D.onclick=e=>{const a=e.target.closest('a');if(a){e.preventDefault();history.pushState(null,'',a.getAttribute('href'));open()}};
all('.e,.u,.w').forEach(g=>g.onclick=()=>{const id=g.dataset.e||g.id,own=L.map((li,i)=>i).filter(i=>lives(L[i].id).some(e=>e&&e.id==id));
if(own.length)go(own.find(i=>i>k)??own[0])});
let x=null;const r=$('right');r.addEventListener('touchstart',e=>{x=e.target.closest('.m,nav')?null:e.touches[0].clientX},{passive:true});
r.addEventListener('touchend',e=>{if(x===null)return;const d=e.changedTouches[0].clientX-x;if(Math.abs(d)>60)go(k+(d<0?1:-1))});
D.documentElement.classList.add('js');D.querySelector('nav').hidden=false;svg.style.minWidth=Math.min(wide*.72,1400)+'px';if(fig.scrollWidth>fig.clientWidth)fig.tabIndex=0;
choose(part);history.scrollRestoration='manual';open();scrollTo(0,0)})()
