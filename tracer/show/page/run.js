'use strict';const root=document.documentElement.classList;root.add('js');
// nothing is laid out before all of it is there; should anything fail, the page is the whole derivation
addEventListener('DOMContentLoaded',()=>{try{root.add('ready');main()}catch(e){root.remove('js');throw e}});
const main=()=>{
const D=document,$=i=>D.getElementById(i),all=s=>[...D.querySelectorAll(s)];
const tables=all('table').map(t=>[...t.tBodies[0].rows]),rows=tables[0],cols=all('th[data-c]').map(h=>h.dataset.c),slide=$('slide'),mark=$('mark');
const cells=i=>Object.fromEntries(tables.flatMap(t=>[...t[i].querySelectorAll('td')]).map((d,n)=>[cols[n].replace(/-[su]\d+/g,''),d.textContent]).reverse());
const number=i=>+rows[i].firstElementChild.textContent;
const all_cells=rows.map((r,i)=>cells(i));
const most=Math.max(...all_cells.flatMap(c=>Object.keys(c).filter(q=>/^W-/.test(q)).map(q=>Math.abs(c[q]))).filter(isFinite))||1;
let k=0;
// a browser that finds the place of a deep link would scroll the table back to its top
rows.forEach(r=>r.removeAttribute('id'));
const show=(i,how)=>{k=Math.max(0,Math.min(rows.length-1,i));const c=all_cells[k];
tables.forEach(t=>t.forEach((r,n)=>r.classList.toggle('cur',n==k)));
all('svg [data-q]').forEach(t=>{const v=c[t.dataset.q];if(v!==undefined)t.textContent=(t.dataset.p||'')+v});
all('.e').forEach(e=>{const v=+c['W-'+e.id.slice(1)];if(!isFinite(v))return;e.classList.toggle('neg',v<0);e.lastElementChild.setAttribute('stroke-width',1+3*Math.abs(v)/most)});
if(mark){const x=8+544*(number(k)-number(0))/((number(rows.length-1)-number(0))||1);mark.setAttribute('d','M'+x+' 8V162')}
const loss=$('loss'),said=['E',...cols.filter(q=>/^E-s/.test(q))].map(q=>c[q]).filter(v=>v!==undefined);if(loss&&cols.filter(q=>/^E/.test(q)).length==1&&said.length)loss.textContent=loss.dataset.t+said[0];
slide.value=k;slide.setAttribute('aria-valuetext',number(k));$('count').textContent=number(k);
const box=$('record'),r=rows[k];box.scrollTop=r.offsetTop-box.clientHeight/2;
if(how)history[how+'State'](null,'','#step-'+number(k))};
const open=()=>{const n=+location.hash.replace('#step-','')||0;show(rows.filter((r,i)=>number(i)<=n).length-1)};
$('prev').onclick=()=>show(k-1,'push');$('next').onclick=()=>show(k+1,'push');slide.oninput=()=>show(+slide.value,'replace');
addEventListener('keydown',e=>{const n={ArrowRight:k+1,ArrowLeft:k-1,Home:0,End:rows.length-1}[e.key];
if(n===undefined||e.altKey||e.ctrlKey||e.metaKey||e.target.matches('#record,#fig'))return;e.preventDefault();show(n,e.repeat?'replace':'push')});
addEventListener('popstate',open);
D.querySelector('nav').hidden=false;history.scrollRestoration='manual';open();scrollTo(0,0)};
